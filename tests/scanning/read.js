// Prints what each decoder reads in each PNG, as JSON. Arguments: the files.

import { decode, readPicture } from './decoders.js';

const texts = [];
for (const file of process.argv.slice(2)) texts.push(await decode(readPicture(file)));
console.log(JSON.stringify(texts));
