// Shows a code, and who has scanned it.

import { startScanning } from "scanlogin";

startScanning("qrcode", {
  appId: "demo-app",
  onSuccess: (userInfo, ticket) => {
    document.querySelector("#welcome").textContent = `${userInfo.nickname}, with the ticket ${ticket}`;
  },
});
