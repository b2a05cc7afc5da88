// Code with React that must compile. The declaration is that of js/README.md. It is never run.

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

// @ts-expect-error the theme is unknown
export const Invalid = () => <scan-login theme="blue" />;
