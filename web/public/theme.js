// Runs before the first paint, so that a remembered theme does not flash. Kept apart because the policy allows no inline script.
(function () {
  var theme = null;
  try {
    theme = localStorage.getItem('coretap.theme');
  } catch (e) {
    // Storage may be forbidden: then the system decides.
  }
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
})();
