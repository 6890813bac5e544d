// @ts-check
/** Strokes on a canvas that lies over a page. */

/** @typedef {import("./state/stage.js").Stroke} Stroke */

const WHOLE = 10_000;

/**
 * Draw the strokes of one page over whatever was there.
 * @param {HTMLCanvasElement} canvas
 * @param {Stroke[]} strokes
 */
export function draw(canvas, strokes) {
  const context = canvas.getContext("2d");
  if (context === null) return;
  const { width, height } = canvas;
  context.clearRect(0, 0, width, height);
  context.lineCap = context.lineJoin = "round";
  for (const { points, colour, width: thickness, tool } of strokes) {
    context.globalCompositeOperation = tool === "eraser" ? "destination-out" : "source-over";
    context.globalAlpha = tool === "highlighter" ? 0.4 : 1;
    context.strokeStyle = colour;
    context.lineWidth = Math.max(1, (thickness / WHOLE) * width);
    context.beginPath();
    context.moveTo((points[0] / WHOLE) * width, (points[1] / WHOLE) * height);
    // A point alone is a dot: a line that is next to nothing, with round ends.
    if (points.length === 2) context.lineTo((points[0] / WHOLE) * width + 0.1, (points[1] / WHOLE) * height);
    for (let index = 2; index < points.length; index += 2) {
      context.lineTo((points[index] / WHOLE) * width, (points[index + 1] / WHOLE) * height);
    }
    context.stroke();
  }
}

/**
 * Where a pointer is in a box, in 1/10,000 of its width and height.
 * @param {PointerEvent} event
 * @param {DOMRect} box
 * @returns {[number, number]}
 */
export function place({ clientX, clientY }, { left, top, width, height }) {
  /** @param {number} part */
  const whole = (part) => Math.round(Math.min(1, Math.max(0, part)) * WHOLE);
  return [whole((clientX - left) / width), whole((clientY - top) / height)];
}
