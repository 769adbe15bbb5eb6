// Passkeys: <form data-passkey='options'> asks the device and sends its answer in the form's
// last hidden field. The options are WebAuthn's, in JSON; bytes are written in base64url.
const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0));
const text = (buffer) => {
  if (!buffer) return undefined;
  return btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
};
const named = (list) => list?.map((one) => ({...one, id: bytes(one.id)}));

async function ask(options) {
  const publicKey = {...options, challenge: bytes(options.challenge)};
  if (options.user) {
    publicKey.user = {...options.user, id: bytes(options.user.id)};
    publicKey.excludeCredentials = named(options.excludeCredentials);
    return navigator.credentials.create({publicKey});
  }
  publicKey.allowCredentials = named(options.allowCredentials);
  return navigator.credentials.get({publicKey});
}

function written(credential) {
  const r = credential.response;
  return JSON.stringify({
    id: credential.id, rawId: text(credential.rawId), type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment ?? undefined,
    clientExtensionResults: {},
    response: {
      clientDataJSON: text(r.clientDataJSON), attestationObject: text(r.attestationObject), transports: r.getTransports?.(),
      authenticatorData: r.attestationObject ? undefined : text(r.authenticatorData), signature: text(r.signature), userHandle: text(r.userHandle),
    },
  });
}

if (!window.PublicKeyCredential) for (const form of document.querySelectorAll('[data-passkey]')) form.hidden = true;

document.addEventListener('submit', async (event) => {
  const form = event.target;
  if (!form.dataset?.passkey) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const failed = form.querySelector('[data-passkey-failed]');
  failed.hidden = true;
  try {
    const credential = await ask(JSON.parse(form.dataset.passkey));
    form.querySelector('input[name$="passkey"]').value = written(credential);
    // On which device one is, is chosen once, in the form beside.
    const device = document.querySelector('input[name="device"]:checked');
    if (device && form.action.endsWith('/sign-in/passkey')) {
      form.append(Object.assign(document.createElement('input'), {type: 'hidden', name: 'device', value: device.value}));
    }
    form.submit();
  } catch {
    failed.hidden = false;
  }
}, true);
