// All parts of the benchmarks, in the order in which they run.
//
// A part has a `name` for `--only`, a `title`, and three functions: `run` measures and resolves to the data, `section`
// describes the data for the report, `targets` compares them with targets (`../targets.js`).

import { confirm } from './confirm.js';
import { download } from './download.js';
import { drawing } from './drawing.js';
import { mounts } from './mounts.js';
import { phone } from './phone.js';
import { robustness } from './robustness.js';
import { start } from './start.js';
import { time } from './time.js';
import { waiting } from './waiting.js';

export const PARTS = [download, ...time, start, confirm, waiting, mounts, drawing, robustness, phone];
