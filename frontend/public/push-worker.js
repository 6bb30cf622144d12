// Shows messages of the city on this device; it does nothing else and keeps nothing.
self.addEventListener("push", (event) => {
  const message = event.data?.json() ?? {};
  const { title = "Vidik", body = "", tag, url = "/" } = message;
  event.waitUntil(self.registration.showNotification(title, { body, tag, data: { url } }));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  // Only pages of this installation: a message cannot send a person elsewhere.
  const target = new URL(event.notification.data?.url ?? "/", self.location.origin);
  if (target.origin === self.location.origin) event.waitUntil(self.clients.openWindow(target.href));
});
