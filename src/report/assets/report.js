// Hover texts, the switch of the curve and the axes of the archive. The page is complete without.
(function () {
  "use strict";
  var tips = JSON.parse(document.getElementById("tips").textContent);
  var tip = document.getElementById("tip");

  function show(element, x, y) {
    var lines = tips[element.getAttribute("data-c")];
    if (!lines) return;
    tip.replaceChildren.apply(tip, lines.map(function (line) {
      var row = document.createElement("div");
      row.textContent = line;
      return row;
    }));
    tip.hidden = false;
    var box = tip.getBoundingClientRect();
    var left = Math.min(x + 14, window.innerWidth - box.width - 8);
    var top = y + 18 + box.height > window.innerHeight ? y - box.height - 12 : y + 18;
    tip.style.left = Math.max(8, left) + "px";
    tip.style.top = Math.max(8, top) + "px";
  }
  function hide() { tip.hidden = true; }
  function target(event) { return event.target.closest ? event.target.closest("[data-c]") : null; }

  document.addEventListener("pointermove", function (event) {
    var element = target(event);
    if (element) show(element, event.clientX, event.clientY); else hide();
  });
  document.addEventListener("focusin", function (event) {
    var element = target(event);
    if (!element) return;
    var box = element.getBoundingClientRect();
    show(element, box.left, box.bottom - 10);
  });
  document.addEventListener("focusout", hide);
  window.addEventListener("scroll", hide, { passive: true });

  function choose(group, name) {
    document.querySelectorAll('[data-panel="' + group + '"]').forEach(function (panel) {
      panel.hidden = panel.getAttribute("data-name") !== name;
    });
  }
  document.querySelectorAll("[data-switch]").forEach(function (box) {
    box.addEventListener("click", function (event) {
      var name = event.target.getAttribute("data-show");
      if (!name) return;
      box.querySelectorAll("button").forEach(function (button) {
        button.setAttribute("aria-pressed", String(button === event.target));
      });
      choose(box.getAttribute("data-switch"), name);
    });
  });
  document.querySelectorAll("[data-select]").forEach(function (select) {
    select.addEventListener("change", function () {
      choose(select.getAttribute("data-select"), select.value);
    });
  });
})();
