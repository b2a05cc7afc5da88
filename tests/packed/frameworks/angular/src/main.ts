// Shows a code, and then the signed-in user.

import { afterNextRender, Component, DestroyRef, ElementRef, inject, signal, viewChild } from "@angular/core";
import { bootstrapApplication } from "@angular/platform-browser";
import { startScanning } from "scanlogin";

@Component({
  selector: "app-login",
  template: `<div #container></div><p id="welcome">{{ welcome() }}</p>`,
})
class Login {
  container = viewChild.required<ElementRef<HTMLElement>>("container");
  welcome = signal("");

  constructor() {
    const destroyed = inject(DestroyRef);
    afterNextRender(() => {
      const handle = startScanning(this.container().nativeElement, {
        appId: "demo-app",
        host: new URLSearchParams(location.search).get("host") ?? undefined,
        onSuccess: (userInfo, ticket) => this.welcome.set(`${userInfo.nickname}, with the ticket ${ticket}`),
      });
      destroyed.onDestroy(() => handle.destroy());
    });
  }
}

bootstrapApplication(Login);
