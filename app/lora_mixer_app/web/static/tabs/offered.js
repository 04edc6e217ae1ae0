(offer, ...chosen) => chosen.map((one) => one || offer || null);
