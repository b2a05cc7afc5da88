// Shows a code, and who has scanned it.

"use client";

import { useEffect, useRef, useState } from "react";
import { startScanning } from "scanlogin";

export function Login() {
  const box = useRef(null);
  const [welcome, setWelcome] = useState("");

  useEffect(() => {
    const handle = startScanning(box.current, {
      appId: "demo-app",
      host: process.env.NEXT_PUBLIC_HOST,
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
