// The gallery: a widget for every state, theme and language, each with a server of its own inside the page.

import { startScanning } from '/scanlogin/index.js';

const person = { nickname: 'Alice Example', photo: '/photos/alice.svg' };
const code = (extra) => ({
  random: '5e05f0c57fde537d950f7da5Zq',
  expiresIn: 119,
  scene: 'APP_AUTH',
  userPoolId: 'demo-pool',
  createdAt: '2026-01-01T00:00:00.000Z',
  expireAt: '2026-01-01T00:02:00.000Z',
  ...extra,
});
const ok = (data) => ({ status: 200, body: { code: 200, message: 'ok', data } });
const check = (status, extra) => ok({ status, userInfo: {}, ticket: null, ...extra });
const busy = { status: 429, headers: { 'retry-after': '30' }, body: { code: 429, message: 'slow down' } };

/** What the server of a state answers, call by call; what it does not answer it holds for ever. */
const STATES = {
  loading: {},
  ready: { gene: ok(code()) },
  scanned: { gene: ok(code()), check: check(1, { userInfo: person }) },
  'scanned, no photo': { gene: ok(code()), check: check(1, { userInfo: { nickname: 'Bob' } }) },
  'signing-in': { gene: ok(code()), check: check(2, { userInfo: person, ticket: 't' }) },
  confirmed: { gene: ok(code()), check: check(2, { userInfo: { ...person, token: 'whole' }, ticket: 't' }) },
  cancelled: { gene: ok(code()), check: check(3) },
  expired: { gene: ok(code()), check: check(-1) },
  unreachable: { gene: ok(code()), check: { status: 502, body: 'bad gateway' } },
  busy: { gene: ok(code()), check: busy },
  'needs-mfa': { gene: ok(code()), check: check(4) },
  failed: { gene: ok(code()), check: check(5, { scannedResult: { message: 'This account is blocked' } }) },
  'no code': { gene: { status: 200, body: { code: 1001, message: 'This app is not known', reason: 'unknown-app' } } },
};

/** What a theme gives to the widget; its colours stand in gallery.css. */
const THEMES = {
  light: { theme: 'light' },
  dark: { theme: 'dark' },
  brand: { colors: { dark: '#0b5a62', light: '#f4fbfa' }, logo: '/favicon.svg' },
  small: { theme: 'light', size: { width: 160, height: 160 }, containerSize: { width: 160, height: 160 } },
};

const LANGUAGES = ['en-US', 'zh-CN', 'zh-TW', 'ja-JP', 'ar'];
const ARABIC = {
  title: 'امسح الرمز بالتطبيق لتسجيل الدخول', scanned: 'تم المسح', middleTitle: 'أكّد تسجيل الدخول على هاتفك',
  referText: 'استخدم رمزًا آخر', signingIn: 'جارٍ تسجيل الدخول…', succeed: 'تم تسجيل الدخول',
  needsMfa: 'بقيت خطوة واحدة', canceled: 'تم رفض تسجيل الدخول', expired: 'انتهت صلاحية الرمز',
  retry: 'احصل على رمز جديد', failed: 'حدث خطأ ما', loading: 'جارٍ إحضار الرمز…', unreachable: 'تعذّر الاتصال بالخادم',
  reconnecting: 'تتم إعادة المحاولة تلقائيًا…', tryNow: 'حاول الآن', busy: 'الخادم مشغول',
  retryIn: 'إعادة المحاولة خلال {time}', offline: 'أنت غير متصل', offlineHint: 'سيستمر عند عودة الاتصال',
  expiresIn: 'تنتهي الصلاحية خلال {time}', codeName: 'رمز QR لتسجيل الدخول',
};

// The app id tells which state's server is meant.
const page = globalThis.fetch;
globalThis.fetch = async (request, ...rest) => {
  const state = request.headers?.get('x-authing-app-id');
  if (!state) return page(request, ...rest);
  const answer = STATES[state][new URL(request.url).pathname.split('/').pop()];
  const { signal } = request;
  if (!answer) return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  const body = typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body);
  return new Response(body, answer);
};

const filter = document.querySelector('#filter');
const gallery = document.querySelector('#gallery');
let shown = new AbortController();

for (const [name, values] of [['theme', Object.keys(THEMES)], ['language', LANGUAGES], ['state', Object.keys(STATES)]]) {
  for (const value of values) filter.elements[name].add(new Option(value));
  filter.elements[name].value = new URLSearchParams(location.search).get(name) ?? '';
}
filter.onchange = show;
show();

function show() {
  shown.abort();
  shown = new AbortController();
  const wanted = (name, values) => values.filter((value) => [value, ''].includes(filter.elements[name].value));
  gallery.replaceChildren(
    ...wanted('theme', Object.keys(THEMES)).flatMap((theme) =>
      wanted('language', LANGUAGES).map((language) => row(theme, language, wanted('state', Object.keys(STATES)))),
    ),
  );
}

function row(theme, language, states) {
  const section = document.createElement('section');
  section.dataset.theme = theme;
  const heading = document.createElement('h2');
  heading.textContent = `${theme}, ${language}`;
  const boxes = document.createElement('div');
  boxes.className = 'boxes';
  boxes.dir = language === 'ar' ? 'rtl' : 'ltr';
  boxes.append(...states.map((state) => box(theme, language, state)));
  section.append(heading, boxes);
  return section;
}

function box(theme, language, state) {
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
    signal: shown.signal,
    ...THEMES[theme],
  });
  return figure;
}
