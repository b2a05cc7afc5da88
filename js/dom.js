// Finds, creates and changes elements.

import { callDocument } from "./document.js";
import { scanLoginError } from "./options.js";

const HTML = "http://www.w3.org/1999/xhtml";
const SVG = "http://www.w3.org/2000/svg";

/** Elements of HTML whose children browsers do not show. */
const CHILDLESS =
  /^(area|audio|base|br|canvas|col|embed|hr|iframe|img|input|link|meta|meter|noscript|object|option|picture|progress|script|select|source|style|template|textarea|title|track|video|wbr)$/;

/** Returns the element that `target` is, or that has the id `target`. Returns `null` if the page has no such element. */
export function findTarget(target) {
  const element = typeof target === "string" ? callDocument("getElementById", target) : target;
  if (element && element.nodeType === 1) {
    const { localName, namespaceURI, ownerDocument } = element;
    if (ownerDocument !== document) {
      throw scanLoginError("invalid-option", "option `target` must be an element of this document");
    }
    if (namespaceURI === HTML && !CHILDLESS.test(localName)) return element;
    throw scanLoginError("invalid-option", `option \`target\` must be an element that shows its children, not <${localName}>`);
  }
  if (typeof target === "string") return null;
  throw scanLoginError("invalid-option", "option `target` must be an element or the id of one");
}

export function create(tag, attributes) {
  const element = callDocument("createElementNS", tag === "svg" || tag === "path" ? SVG : HTML, tag);
  for (const name of Object.keys(attributes)) element.setAttribute(name, attributes[name]);
  return element;
}

// These compare with what was written before, not with what the page has now: a browser that translates the page changes texts
// and labels. What is unchanged is not written, so that nothing is announced twice.

const written = new WeakMap();

/** Whether `value` is another one than the last that was written as `name` of the element. */
function isNew(element, name, value) {
  const values = written.get(element) || {};
  written.set(element, { ...values, [name]: value });
  return values[name] !== value;
}

export function setAttribute(element, name, value) {
  if (isNew(element, name, String(value))) element.setAttribute(name, value);
}

/** Sets the text of an element. An empty text hides it. */
export function setText(element, text) {
  if (!isNew(element, "", text)) return;
  element.textContent = text;
  element.toggleAttribute("hidden", !text);
}
