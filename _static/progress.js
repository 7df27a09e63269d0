// Which exercises a reader has done: a box beside each, remembered in this browser alone.
(() => {
  const key = (page, id) => `dmd-done ${page.split("/").pop().replace(/\.html.*/, "")}#${id}`;
  const read = (name) => {
    try { return localStorage.getItem(name) === "yes"; } catch { return false; }
  };
  const write = (name, done) => {
    try { localStorage.setItem(name, done ? "yes" : ""); } catch { /* a browser that forgets */ }
  };

  function box(section) {
    const name = key(location.pathname, section.id);
    const label = document.createElement("label");
    label.className = "exercise-done";
    const heading = section.querySelector("h3");
    const input = Object.assign(document.createElement("input"), { type: "checkbox", checked: read(name) });
    input.addEventListener("change", () => write(name, input.checked));
    label.append(input, " done");
    input.setAttribute("aria-label", `${heading.firstChild.textContent}: done`);
    heading.after(label);
  }

  function tick(link) {
    const [page, id] = link.getAttribute("href").split("#");
    if (id?.startsWith("exercise-") && read(key(page, id))) link.after(" ✓ done");
  }

  document.addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll("section[id^='exercise-']").forEach(box);
    if (location.pathname.includes("exercises")) document.querySelectorAll("article li a").forEach(tick);
  });
})();
