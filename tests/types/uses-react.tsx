// The same for React, with the lines of pkg/README.md.

import type { ScanLoginElement, ScanLoginProps } from "scanlogin/element";
import type { DetailedHTMLProps, HTMLAttributes } from "react";

type Html = DetailedHTMLProps<HTMLAttributes<ScanLoginElement>, ScanLoginElement>;

declare module "react" {
  namespace JSX {
    interface IntrinsicElements {
      "scan-login": Omit<Html, keyof ScanLoginProps> & ScanLoginProps;
    }
  }
}

export const Login = ({ onTicket }: { onTicket: (ticket: string) => void }) => (
  <scan-login
    className="code"
    app-id="shop"
    host="https://login.example.com"
    size={200}
    options={{ customData: { hello: "world" } }}
    onsuccess={({ detail }) => onTicket(detail.ticket)}
  />
);

// @ts-expect-error a theme that there is not
export const Wrong = () => <scan-login theme="blue" />;
