/** The recap as a picture that can be sent on: 1080 by 1350 pixels, drawn with the colours of the page. */

const WIDTH = 1080;
const HEIGHT = 1350;
const MARGIN = 90;
const TILE = 130;
const TILE_GAP = 22;

/** Draw a recap's model on `canvas`. */
export function drawRecap(canvas, model) {
  canvas.width = WIDTH;
  canvas.height = HEIGHT;
  const pen = canvas.getContext("2d");
  const paint = paints(canvas);
  pen.fillStyle = paint("picture-ground");
  pen.fillRect(0, 0, WIDTH, HEIGHT);
  confetti(pen, paint, model.code);
  pen.textAlign = "start";
  pen.direction = "inherit";
  words(pen, paint, "Hubbub", MARGIN, 150, 54, "picture-soft");
  words(pen, paint, model.heading, MARGIN, 270, 84, "picture-ink");
  words(pen, paint, model.day, MARGIN, 340, 44, "picture-soft");
  tiles(pen, paint, model.code, 420);
  words(pen, paint, model.lasted.figure, MARGIN, 740, 128, "hue-2");
  words(pen, paint, model.lasted.label, MARGIN, 805, 48, "picture-soft");
  model.figures.forEach((item, at) => figure(pen, paint, item, at));
  emoji(pen, model.top);
}

/** Colours and fonts are the page's tokens, so that the picture has its look. */
function paints(canvas) {
  const style = getComputedStyle(canvas);
  const paint = (token) => style.getPropertyValue(`--${token}`).trim();
  paint.font = (size) => `800 ${size}px ${style.fontFamily}`;
  return paint;
}

function words(pen, paint, text, x, y, size, colour, room = WIDTH - 2 * MARGIN) {
  pen.fillStyle = paint(colour);
  pen.font = paint.font(size);
  // Measured, not left to fillText, which would squeeze the letters.
  const fitting = Math.min(size, (size * room) / Math.max(room, pen.measureText(text).width));
  pen.font = paint.font(Math.max(28, fitting));
  pen.fillText(text, x, y, room);
}

function tiles(pen, paint, code, y) {
  [...code].forEach((char, at) => {
    const x = MARGIN + at * (TILE + TILE_GAP);
    pen.fillStyle = paint(`hue-${at + 1}`);
    pen.beginPath();
    // Without round corners where the browser cannot draw them (Safari before 16).
    (pen.roundRect ?? pen.rect).call(pen, x, y, TILE, TILE * 1.2, 28);
    pen.fill();
    pen.fillStyle = paint("on-hue");
    pen.font = paint.font(84);
    pen.textAlign = "center";
    pen.fillText(char, x + TILE / 2, y + TILE * 0.83);
    pen.textAlign = "start";
  });
}

function figure(pen, paint, item, at) {
  const room = (WIDTH - 2 * MARGIN) / 3;
  const x = MARGIN + at * room;
  words(pen, paint, item.figure, x, 980, 110, `hue-${[1, 3, 4][at]}`, room - 20);
  words(pen, paint, item.label, x, 1035, 36, "picture-soft", room - 20);
}

function emoji(pen, top) {
  pen.font = "110px sans-serif";
  top.forEach((sign, at) => pen.fillText(sign, MARGIN + at * 180, 1230));
}

/** Paper scraps along the edges, placed by the code, so that each party has its own. */
function confetti(pen, paint, code) {
  let seed = [...code].reduce((sum, char) => sum * 31 + char.charCodeAt(0), 7) % 2147483647;
  const next = () => {
    seed = (seed * 48271) % 2147483647;
    return seed / 2147483647;
  };
  for (let n = 0; n < 60; n += 1) {
    const x = WIDTH * (0.72 + 0.3 * next());
    const y = HEIGHT * next();
    pen.save();
    pen.translate(x, y);
    pen.rotate(next() * Math.PI);
    pen.globalAlpha = 0.35;
    pen.fillStyle = paint(`hue-${1 + Math.floor(next() * 6)}`);
    pen.fillRect(-14, -5, 28, 10);
    pen.restore();
  }
}
