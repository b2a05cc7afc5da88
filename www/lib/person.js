// A person's name and picture, from whatever the server knows about them.

export function nameOf(user) {
  return [user?.nickname, user?.username, user?.email].find((name) => typeof name === 'string' && name) ?? 'Unknown user';
}

/** Fills `frame` with the person's photo, or with their initial when there is none that can be shown. */
export function showPhoto(frame, user) {
  const initial = [...nameOf(user)][0].toUpperCase();
  const address = safeAddress(user?.photo);
  if (!address) return frame.replaceChildren(initial);
  const image = new Image();
  image.alt = '';
  image.onerror = () => frame.replaceChildren(initial);
  image.src = address;
  frame.replaceChildren(image);
}

function safeAddress(photo) {
  if (typeof photo !== 'string' || !photo) return null;
  try {
    const url = new URL(photo, location.href);
    return ['http:', 'https:'].includes(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}
