// Runs in each measured page before its own scripts, and reports events to the bench.
//
// `code`: the pixels of a QR code are on the screen. The rule is the same for all pages: an `svg` with a long path, a
// `canvas` with a dark pixel, or a loaded `img`, which is in the document or in an open shadow root, and which no
// element above it hides, fades or blurs. The frame in which that holds is painted before the message of a channel
// arrives, and that time is reported.

(() => {
  if (window !== top || location.protocol === 'about:') return;
  const report = (name, detail = {}) =>
    benchReport(JSON.stringify({ name, time: performance.now(), at: performance.timeOrigin + performance.now(), ...detail }));

  function* elements(root) {
    for (const element of root.querySelectorAll('*')) {
      yield element;
      if (element.shadowRoot) yield* elements(element.shadowRoot);
    }
  }

  function hasDarkPixel(canvas) {
    const { width, height } = canvas;
    if (width < 80 || height < 80) return false;
    const { data } = canvas.getContext('2d').getImageData(0, height >> 1, width, 1);
    for (let i = 0; i < data.length; i += 4) if (data[i] < 64 && data[i + 3] > 192) return true;
    return false;
  }

  function isCode(element) {
    switch (element.localName) {
      case 'path':
        return element.getAttribute('d')?.length > 1000;
      case 'canvas':
        return hasDarkPixel(element);
      case 'img':
        return element.complete && element.naturalWidth >= 80 && element.width >= 80;
      default:
        return false;
    }
  }

  function isShown(element) {
    for (let node = element; node; node = node.assignedSlot ?? node.parentElement ?? node.getRootNode().host) {
      const { display, visibility, opacity, filter } = getComputedStyle(node);
      if (display === 'none' || visibility !== 'visible' || opacity !== '1' || filter !== 'none') return false;
    }
    return true;
  }

  function findCode() {
    for (const element of elements(document)) if (isCode(element) && isShown(element)) return element;
    return null;
  }

  function frame() {
    const code = findCode();
    if (!code) {
      requestAnimationFrame(frame);
      return;
    }
    window.benchCode = code.ownerSVGElement ?? code;
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => report('code');
    port2.postMessage(null);
  }
  requestAnimationFrame(frame);

  // The pages call this function of their site when the person is signed in.
  window.signIn = () => report('success');
})();
