// @ts-check
/** The words that the room can do without: what every other page begins with. */

import en from "../i18n/en.json" with { type: "json" };
import { learn } from "./strings.js";

learn(en);
