// Shows the signed-in user.

document.querySelector("scan-login").addEventListener("success", ({ detail: { userInfo, ticket } }) => {
  document.querySelector("#welcome").textContent = `${userInfo.nickname}, with the ticket ${ticket}`;
});
