import ms from "ms";

// Shows since when the page is open, once a minute.
const opened = Date.now();
const age = document.querySelector("[data-age]");

setInterval(() => {
  age.textContent = ms(Date.now() - opened, { long: true });
}, ms("1m"));
