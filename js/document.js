// Access to the document. Markup can hide a property of `document` behind an element: with `<img name="body">`, `document.body`
// is the image. The prototype has the real property.

/** The property `name` of the document. */
export function fromDocument(name) {
  return Reflect.get(Document.prototype, name, document);
}

/** Calls the method `name` of the document. */
export function callDocument(name, ...values) {
  return fromDocument(name).apply(document, values);
}
