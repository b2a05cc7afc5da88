// Shows a code, and then the signed-in user.

ScanLogin.startScanning("qrcode", {
  appId: "demo-app",
  onSuccess: (userInfo, ticket) => {
    document.querySelector("#welcome").textContent = `${userInfo.nickname}, with the ticket ${ticket}`;
  },
});
