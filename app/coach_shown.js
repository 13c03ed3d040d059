// Knowing when a part comes into sight, because the tab that holds it was opened.

/** Call `then` each time the element becomes visible. */
export function onShown(element, then) {
  let isShown = false;
  new IntersectionObserver((entries) => {
    const isNow = entries.some((entry) => entry.isIntersecting);
    if (isNow && !isShown) then();
    isShown = isNow;
  }).observe(element);
}
