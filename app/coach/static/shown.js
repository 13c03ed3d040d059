// Knowing when a part comes into sight, because the tab that holds it was opened.

/** Call `then` each time the element becomes visible, or would if one scrolled to it. */
export function onShown(element, then) {
  let isShown = false;
  new IntersectionObserver((entries) => {
    const isNow = entries.some((entry) => entry.isIntersecting);
    if (isNow && !isShown) then();
    isShown = isNow;
  }, { rootMargin: "4000px 0px" }).observe(element);
}
