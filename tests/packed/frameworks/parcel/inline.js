// Shows a code, and then the signed-in user.

import { startScanning } from "scanlogin/inline";

startScanning("qrcode", {
  appId: "demo-app",
  onSuccess: (userInfo, ticket) => {
    document.querySelector("#welcome").textContent = `${userInfo.nickname}, with the ticket ${ticket}`;
  },
});
