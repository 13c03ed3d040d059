// Where two clips go so that they are as large as the place allows.

// Side by side is easier to compare, so one above the other must be clearly larger.
const WORTH_STACKING = 1.4;

/**
 * @param {{width: number, height: number}} place pixels
 * @param {number[]} aspects width by height of each clip
 * @param {{gap: number, inPlace: boolean}} options
 * @returns {{direction: "row" | "column", sizes: {width: number, height: number}[]}}
 */
export function arrange({ width, height }, aspects, { gap, inPlace }) {
  if (inPlace) return { direction: "row", sizes: aspects.map((a) => fit(a, width, height)) };
  const row = aspects.map((a) => fit(a, (width - gap) / 2, height));
  const column = aspects.map((a) => fit(a, width, (height - gap) / 2));
  return area(column) > WORTH_STACKING * area(row)
    ? { direction: "column", sizes: column }
    : { direction: "row", sizes: row };
}

function fit(aspect, width, height) {
  const fitted = Math.max(0, Math.min(width, height * aspect));
  return { width: Math.floor(fitted), height: Math.floor(fitted / aspect) };
}

function area(sizes) {
  return sizes.reduce((sum, { width, height }) => sum + width * height, 0);
}
