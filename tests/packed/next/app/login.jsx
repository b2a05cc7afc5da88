// Shows a code, and then the signed-in user.

"use client";

import { useEffect, useRef, useState } from "react";
import { startScanning } from "scanlogin";

export function Login() {
  const container = useRef(null);
  const [welcome, setWelcome] = useState("");

  useEffect(() => {
    const handle = startScanning(container.current, {
      appId: "demo-app",
      host: process.env.NEXT_PUBLIC_HOST,
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
