// The messages of the phone page, in the language of the person.

/** The languages with messages, and their own names. */
export const LANGUAGES = { 'en-US': 'English', 'zh-CN': '简体中文', 'zh-TW': '繁體中文', 'ja-JP': '日本語' };
/** The key of the chosen language in the local storage. */
const LANGUAGE_KEY = 'quaymark-pass-language';

/** The language of the page, a BCP 47 tag: that of `?lang=`, else the chosen one, else the best one of the browser. */
export const language =
  [new URLSearchParams(location.search).get('lang'), chosenLanguage(), ...navigator.languages]
    .map(supported)
    .find(Boolean) ?? 'en-US';

const { MESSAGES } = await import(`/lib/messages/${language}.js`);

/** The language in `LANGUAGES` for a tag such as `zh-Hant-HK` or `ja`. `undefined` if there is none. */
function supported(tag) {
  const [primary, ...others] = String(tag ?? '').toLowerCase().split(/[-_]/);
  if (primary === 'zh') return others.some((part) => /^(hant|tw|hk|mo)$/.test(part)) ? 'zh-TW' : 'zh-CN';
  return Object.keys(LANGUAGES).find((known) => known.split('-')[0] === primary);
}

function chosenLanguage() {
  try {
    return localStorage.getItem(LANGUAGE_KEY);
  } catch {
    return null;
  }
}

/** Keeps a choice of the person and loads the page again. */
export function chooseLanguage(tag) {
  try {
    localStorage.setItem(LANGUAGE_KEY, tag);
    location.replace(location.pathname);
  } catch {
    location.replace(`${location.pathname}?lang=${tag}`);
  }
}

/**
 * The message `name`, such as `confirm` or `problems.expired`. `{key}` in it becomes `values.key`. Each value is isolated,
 * so that a name in another writing direction does not mix up the sentence.
 */
export function message(name, values = {}) {
  const text = name.split('.').reduce((messages, part) => (Object.hasOwn(messages, part) ? messages[part] : ''), MESSAGES);
  return text.replace(/\{(\w+)\}/g, (_, key) => `\u2068${values[key]}\u2069`);
}

/** Whether there is a message `name`. */
export const hasMessage = (name) => message(name) !== '';

/** Writes the messages into the elements with `data-message`, and names the elements with `data-label`. */
export function translatePage() {
  document.documentElement.lang = language;
  const locale = new Intl.Locale(language);
  // Older browsers have a property in place of the method, or neither.
  document.documentElement.dir = (locale.getTextInfo?.() ?? locale.textInfo)?.direction ?? 'ltr';
  for (const element of document.querySelectorAll('[data-message]')) {
    element.textContent = message(element.dataset.message);
  }
  for (const element of document.querySelectorAll('[data-label]')) {
    element.setAttribute('aria-label', message(element.dataset.label));
  }
}
