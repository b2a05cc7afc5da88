// Shows a code, and who has scanned it.

import { StrictMode, useEffect, useRef, useState } from "react";
import { createRoot } from "react-dom/client";
import { startScanning } from "scanlogin";

function Login() {
  const box = useRef(null);
  const [welcome, setWelcome] = useState("");

  useEffect(() => {
    // Counted for who doubts that StrictMode mounts twice.
    window.mounts = (window.mounts ?? 0) + 1;
    const handle = startScanning(box.current, {
      appId: "demo-app",
      host: import.meta.env.VITE_HOST,
      onSuccess: (userInfo, ticket) => setWelcome(`${userInfo.nickname}, with the ticket ${ticket}`),
    });
    return () => handle.destroy();
  }, []);

  return (
    <>
      <div ref={box} />
      <p id="welcome">{welcome}</p>
    </>
  );
}

createRoot(document.querySelector("#root")).render(
  <StrictMode>
    <Login />
  </StrictMode>,
);
