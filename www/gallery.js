// The gallery: a widget for each state, theme and language. The page simulates a server for each state.

import { startScanning } from '/scanlogin/index.js';

const person = { nickname: 'Alice Example', photo: `${location.origin}/photos/alice.svg` };
const ok = (data) => ({ status: 200, body: { code: 200, message: 'ok', data } });
const random = '5e05f0c57fde537d950f7da5Zq';
const approver = `${location.origin}/s`;
const gene = ok({
  random,
  expiresIn: 119,
  scene: 'APP_AUTH',
  userPoolId: 'demo-pool',
  createdAt: '2026-01-01T00:00:00.000Z',
  expireAt: '2026-01-01T00:02:00.000Z',
});
const check = (status, fields) => ok({ status, userInfo: {}, ticket: null, ...fields });
const refusal = (code, reason) => ({ status: 200, body: { code, reason, message: 'a text for developers' } });
const rateLimited = {
  status: 429,
  headers: { 'retry-after': '30' },
  body: { code: 429, message: 'too many requests' },
};

/** The responses of the server in each state, by call. A call without a response never ends. */
const STATES = {
  loading: {},
  ready: { gene },
  'ready, on a phone': { gene: ok({ ...gene.body.data, text: `${approver}#${random}`, link: `${approver}#${random}.return` }) },
  scanned: { gene, check: check(1, { userInfo: person }) },
  'scanned, no photo': { gene, check: check(1, { userInfo: { nickname: 'Bob' } }) },
  'scanned, number': { gene, check: check(1, { userInfo: person, number: '47' }) },
  'signing-in': { gene, check: check(2, { userInfo: person, ticket: 't' }) },
  // The widget does not exchange the ticket if the user already has a token.
  confirmed: { gene, check: check(2, { userInfo: { ...person, token: 'token' }, ticket: 't' }) },
  cancelled: { gene, check: check(3) },
  expired: { gene, check: check(-1) },
  unreachable: { gene, check: { status: 502, body: 'bad gateway' } },
  busy: { gene, check: rateLimited },
  'needs-mfa': { gene, check: check(4) },
  refused: { gene, check: check(5, { scannedResult: { message: 'This account is blocked' } }) },
  'sign-in expired': { gene, check: check(2, { ticket: 't' }), userinfo: refusal(2231, 'ticket-expired') },
  'no code': { gene: refusal(1001, 'unknown-app') },
};

/** The options of each theme. Its custom properties are in gallery.css. */
const THEMES = {
  light: { theme: 'light' },
  dark: { theme: 'dark' },
  brand: { colors: { dark: '#0b5a62', light: '#f4fbfa' }, logo: '/favicon.svg' },
  small: { theme: 'light', size: { width: 160, height: 160 }, containerSize: { width: 160, height: 160 } },
};

const LANGUAGES = ['en-US', 'zh-CN', 'zh-TW', 'ja-JP', 'ar'];
/** A language that is not built in, for the option `tips`. */
const ARABIC = {
  title: 'امسح الرمز بالتطبيق لتسجيل الدخول', openApp: 'تابع على هذا الهاتف',
  otherDevice: 'أو امسح الرمز بالتطبيق على هاتف آخر', otherBrowser: 'بدأت في متصفح آخر. عد إليه أو ابدأ من جديد هنا',
  scanned: 'تم المسح', number: 'اختر هذا الرقم على هاتفك', middleTitle: 'أكّد تسجيل الدخول على هاتفك',
  referText: 'لست أنت؟ احصل على رمز جديد', signingIn: 'جارٍ تسجيل الدخول…', succeed: 'تم تسجيل الدخول',
  needsMfa: 'بقيت خطوة واحدة', canceled: 'تم رفض تسجيل الدخول', expired: 'انتهت صلاحية الرمز',
  retry: 'احصل على رمز جديد', failed: 'حدث خطأ ما', siteProblem: 'سجّل الدخول بطريقة أخرى أو تواصل مع دعم الموقع',
  refused: 'رُفض تسجيل الدخول', otherAccount: 'استخدم حسابًا آخر أو تواصل مع دعم الموقع',
  signInExpired: 'انتهت صلاحية تسجيل الدخول هذا', checkConnection: 'تحقّق من اتصالك ثم حاول مجددًا', loading: 'جارٍ تحميل الرمز…', unreachable: 'تعذّر الاتصال بالخادم',
  reconnecting: 'جارٍ إعادة المحاولة…', tryNow: 'حاول الآن', busy: 'الخادم مشغول',
  retryIn: 'إعادة المحاولة خلال {time}', offline: 'أنت غير متصل', offlineHint: 'سنتابع عند عودة الاتصال',
  expiresIn: 'تنتهي الصلاحية خلال {time}', codeName: 'رمز QR لتسجيل الدخول',
};

// The app id of a request names the state.
const originalFetch = globalThis.fetch;
globalThis.fetch = async (request, ...rest) => {
  const state = request.headers?.get('x-authing-app-id');
  if (!state) return originalFetch(request, ...rest);
  const response = STATES[state][new URL(request.url).pathname.split('/').pop()];
  const { signal } = request;
  if (!response) return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  const body = typeof response.body === 'string' ? response.body : JSON.stringify(response.body);
  return new Response(body, response);
};

const FILTERS = { theme: Object.keys(THEMES), language: LANGUAGES, state: Object.keys(STATES) };
const filter = document.querySelector('#filter');
const gallery = document.querySelector('#gallery');
/** Destroys the widgets of the current selection. */
let controller = new AbortController();

for (const [name, values] of Object.entries(FILTERS)) {
  for (const value of values) filter.elements[name].add(new Option(value));
  filter.elements[name].value = new URLSearchParams(location.search).get(name) ?? '';
}
filter.onchange = showSelection;
showSelection();

function showSelection() {
  controller.abort();
  controller = new AbortController();
  const selected = (name) => FILTERS[name].filter((value) => [value, ''].includes(filter.elements[name].value));
  gallery.replaceChildren(
    ...selected('theme').flatMap((theme) =>
      selected('language').map((language) => createSection(theme, language, selected('state'))),
    ),
  );
}

function createSection(theme, language, states) {
  const section = document.createElement('section');
  section.dataset.theme = theme;
  const heading = document.createElement('h2');
  heading.textContent = `${theme}, ${language}`;
  const widgets = document.createElement('div');
  widgets.className = 'widgets';
  widgets.dir = language === 'ar' ? 'rtl' : 'ltr';
  widgets.append(...states.map((state) => createFigure(theme, language, state)));
  section.append(heading, widgets);
  return section;
}

function createFigure(theme, language, state) {
  const figure = document.createElement('figure');
  const caption = document.createElement('figcaption');
  caption.textContent = state;
  caption.dir = 'ltr';
  const target = document.createElement('div');
  figure.append(target, caption);
  startScanning(target, {
    appId: state,
    lang: language,
    tips: language === 'ar' ? ARABIC : undefined,
    autoExchangeUserInfo: true,
    // With the default, "loading", "ready" and "signing-in" would end after 10 s.
    timeout: 120_000,
    signal: controller.signal,
    ...THEMES[theme],
  });
  return figure;
}
