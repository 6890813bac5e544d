// @ts-check
/** The words of what is left of a class, beside those that all pages know. */

import "../shared/words.js";

import en from "../i18n/en.over.json" with { type: "json" };
import { learn } from "../shared/strings.js";

learn(en);
