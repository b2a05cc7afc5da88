// The choice of the language, at the bottom of the page.

import { chooseLanguage, language, LANGUAGES } from '/lib/messages.js';
import { byId } from '/phone/page.js';

export function openLanguageChoice() {
  const options = Object.entries(LANGUAGES).map(([tag, name]) => {
    const option = new Option(name, tag, tag === language, tag === language);
    option.lang = tag;
    return option;
  });
  byId('language').replaceChildren(...options);
  byId('language').onchange = ({ target }) => chooseLanguage(target.value);
}
