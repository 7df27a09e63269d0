// Code that scrolls sideways can be reached by the keyboard, also when it was folded at first.
(() => {
  const reach = () => document.querySelectorAll("pre").forEach((code) => {
    if (code.scrollWidth > code.clientWidth) code.tabIndex = 0;
  });
  for (const event of ["click", "toggle"]) {
    document.addEventListener(event, () => setTimeout(reach), true);
  }
})();
