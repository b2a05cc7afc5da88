// The name and the photo of a user.

export function displayName(user) {
  const names = [user?.nickname, user?.username, user?.email];
  return names.find((name) => typeof name === 'string' && name) ?? 'Unknown user';
}

/** Shows the user's photo in `frame`. Shows the initial of the name if there is no photo or it can't be loaded. */
export function showPhoto(frame, user) {
  const initial = [...displayName(user)][0].toUpperCase();
  const url = httpUrl(user?.photo);
  if (!url) return frame.replaceChildren(initial);
  const image = new Image();
  image.alt = '';
  image.onerror = () => frame.replaceChildren(initial);
  image.src = url;
  frame.replaceChildren(image);
}

/** The absolute URL of `photo`; `null` if it is not an http or https URL. */
function httpUrl(photo) {
  if (typeof photo !== 'string' || !photo) return null;
  try {
    const url = new URL(photo, location.href);
    return ['http:', 'https:'].includes(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}
