// @ts-check
/** The words of this page, which the others need not load. */

import words from "../i18n/en.join.json" with { type: "json" };
import { learn } from "../shared/strings.js";

learn(words);
