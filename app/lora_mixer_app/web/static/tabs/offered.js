(offer, ...chosen) =>
  chosen.map((one) =>
    one || !offer || document.activeElement?.closest("[id^=sheet-][id$=-lora]") ? undefined : offer,
  );
