// Shows a code, and who has scanned it.

ScanLogin.startScanning("qrcode", {
  appId: "demo-app",
  onSuccess: (userInfo, ticket) => {
    document.querySelector("#welcome").textContent = `${userInfo.nickname}, with the ticket ${ticket}`;
  },
});
