// Thresholds: the chosen model is shown at once, and a preview is in sight when it comes.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
    document.documentElement.classList.add("has-script");
    const model = document.querySelector("[data-policy-model] select");
    if (model) {
        model.addEventListener("change", () => model.form.submit());
    }
    const preview = document.getElementById("preview");
    if (preview) {
        preview.focus({ preventScroll: true });
        preview.scrollIntoView({ block: "start" });
    }
});

// A slider for each label walks along its precision-recall curve, and writes the threshold into the field.
document.addEventListener("DOMContentLoaded", () => {
    for (const curve of document.querySelectorAll("[data-policy-curve]")) {
        const slider = curve.querySelector("[data-policy-slider]");
        const range = slider.querySelector("input");
        const dot = curve.querySelector("[data-policy-dot]");
        const readout = curve.querySelector("[data-policy-readout]");
        const rows = [...curve.querySelectorAll("tr[data-threshold]")];
        const field = curve.closest("fieldset").querySelector('input[data-kind="flag"]');
        const show = (row) => {
            dot.setAttribute("cx", row.dataset.x);
            dot.setAttribute("cy", row.dataset.y);
            readout.textContent = row.dataset.spoken;
            range.setAttribute("aria-valuetext", row.dataset.spoken);
        };
        slider.hidden = false;
        range.addEventListener("input", () => {
            const row = rows[Number(range.value)];
            field.value = row.dataset.threshold;
            show(row);
        });
        const follow = () => {
            const wanted = Number(field.value);
            if (field.value === "" || Number.isNaN(wanted)) {
                return;
            }
            const distance = (row) => Math.abs(Number(row.dataset.threshold) - wanted);
            const nearest = rows.reduce((best, row) => (distance(row) < distance(best) ? row : best));
            range.value = rows.indexOf(nearest);
            show(nearest);
        };
        field.addEventListener("input", follow);
        follow();
    }
});
