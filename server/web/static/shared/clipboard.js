// @ts-check
/** Text for the clipboard, which a browser may refuse. */

/**
 * Copy a text; select it in its field, so that a keyboard can where the clipboard is out of reach.
 * @param {string} text @param {HTMLInputElement|null} [field]
 * @returns {Promise<boolean>} whether the clipboard has it
 */
export async function copied(text, field = null) {
  field?.select();
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
