// Shows a code, and then the signed-in user.

import { StrictMode, useEffect, useRef, useState } from "react";
import { createRoot } from "react-dom/client";
import { startScanning } from "scanlogin";

function Login() {
  const container = useRef(null);
  const [welcome, setWelcome] = useState("");

  useEffect(() => {
    // The test checks that StrictMode mounts twice.
    window.mounts = (window.mounts ?? 0) + 1;
    const handle = startScanning(container.current, {
      appId: "demo-app",
      host: import.meta.env.VITE_HOST,
      onSuccess: (userInfo, ticket) => setWelcome(`${userInfo.nickname}, with the ticket ${ticket}`),
    });
    return () => handle.destroy();
  }, []);

  return (
    <>
      <div ref={container} />
      <p id="welcome">{welcome}</p>
    </>
  );
}

createRoot(document.querySelector("#root")).render(
  <StrictMode>
    <Login />
  </StrictMode>,
);
