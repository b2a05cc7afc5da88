// Shows the sentence of the page in one language, and loads the phone page again.

const TRY_AGAIN = { en: 'Try again', 'zh-CN': '重试', 'zh-TW': '重試', ja: '再試行' };
const headings = [...document.querySelectorAll('h1')];
const button = document.querySelector('button');

const languageOf = (tag) => {
  if (/^zh\b.*\b(hant|tw|hk|mo)\b/i.test(tag)) return 'zh-TW';
  return Object.keys(TRY_AGAIN).find((known) => known.slice(0, 2) === tag.slice(0, 2).toLowerCase());
};
const language = navigator.languages.map(languageOf).find(Boolean) ?? 'en';

const locale = new Intl.Locale(language);
document.documentElement.lang = language;
// Older browsers have a property in place of the method, or neither.
document.documentElement.dir = (locale.getTextInfo?.() ?? locale.textInfo)?.direction ?? 'ltr';
for (const heading of headings) heading.hidden = heading.lang !== language;
button.textContent = TRY_AGAIN[language];
button.hidden = false;
// The address still has the fragment of a link, so that the page continues with the same request.
button.onclick = () => location.reload();
addEventListener('online', () => location.reload());
