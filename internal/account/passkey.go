package account

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/database"
)

// Passkeys. A challenge is not kept here: it travels in a signed cookie, is good for a quarter
// of an hour and is answered once. The device must have asked its owner who they are.

const (
	challengeLife = 15 * time.Minute
	// mostPasskeys of an account: a few devices and a spare.
	mostPasskeys = 10
	// maxChallenge is longer than any value of ours.
	maxChallenge = 3500
)

// What a challenge is for. One that was given for one is no answer to another.
const (
	forEnrolment = "enrol"
	forSignIn    = "sign-in"
	forAgain     = "again"
)

// ErrPasskey: the device's answer is not one to our question, or of no passkey that is here.
var ErrPasskey = errors.New("account: not a passkey of ours")

// passkey is one as it is kept.
type passkey struct {
	bun.BaseModel `bun:"table:account_passkeys,alias:k"`
	ID            string `bun:",pk"`
	Account       string
	Credential    string
	Data          string
	Name          string
	CreatedAt     time.Time
	UsedAt        time.Time `bun:",nullzero"`
}

// holderOf is an account as the library sees one.
type holderOf struct {
	account Account
	keys    []passkey
}

func (h holderOf) WebAuthnID() []byte          { return []byte(h.account.ID) }
func (h holderOf) WebAuthnName() string        { return h.account.Identifier }
func (h holderOf) WebAuthnDisplayName() string { return h.account.Identifier }
func (h holderOf) WebAuthnCredentials() []webauthn.Credential {
	var out []webauthn.Credential
	for _, k := range h.keys {
		var c webauthn.Credential
		if json.Unmarshal([]byte(k.Data), &c) == nil {
			out = append(out, c)
		}
	}
	return out
}

// party is this site as passkeys are bound to it; false: it is reached by a number, and has none.
func (k *Keeper) party(r *http.Request) (*webauthn.WebAuthn, bool) {
	u, err := url.Parse(k.address(r))
	if err != nil || u.Hostname() == "" {
		return nil, false
	}
	if _, err := netip.ParseAddr(u.Hostname()); err == nil {
		return nil, false
	}
	must := protocol.AuthenticatorSelection{RequireResidentKey: protocol.ResidentKeyRequired(), ResidentKey: protocol.ResidentKeyRequirementRequired, UserVerification: protocol.VerificationRequired}
	w, err := webauthn.New(&webauthn.Config{RPID: u.Hostname(), RPDisplayName: "Préau", RPOrigins: []string{u.Scheme + "://" + u.Host},
		AttestationPreference: protocol.PreferNoAttestation, AuthenticatorSelection: must})
	return w, err == nil
}

// challenge is what the cookie says of a question that was put to a device.
type challenge struct {
	For  string               `json:"for"`
	Ends time.Time            `json:"ends"`
	Data webauthn.SessionData `json:"data"`
}

func (k keys) writeChallenge(c challenge) (string, error) {
	b, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	return seal(k.challenge, base64.RawURLEncoding.EncodeToString(b)), nil
}

func (k keys) readChallenge(value, use string, now time.Time) (challenge, bool) {
	text, ok := unsealUpTo(maxChallenge, k.challenge, value)
	if !ok {
		return challenge{}, false
	}
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return challenge{}, false
	}
	var c challenge
	if json.Unmarshal(b, &c) != nil || c.For != use || !now.Before(c.Ends) || c.Ends.Sub(now) > challengeLife {
		return challenge{}, false
	}
	return c, true
}

func (k *Keeper) challengeCookie(use string) string { return k.sessionCookie() + "-challenge-" + use }

// put sets the cookie of a question and gives the question as the page holds it.
func (k *Keeper) put(w http.ResponseWriter, use string, options any, data *webauthn.SessionData) (string, error) {
	value, err := k.keys.writeChallenge(challenge{For: use, Ends: k.clock().Add(challengeLife), Data: *data})
	if err != nil {
		return "", fmt.Errorf("account: %w", err)
	}
	b, err := json.Marshal(options)
	if err != nil {
		return "", fmt.Errorf("account: %w", err)
	}
	http.SetCookie(w, k.cookie(k.challengeCookie(use), value, challengeLife))
	return string(b), nil
}

func (k *Keeper) challengeOf(r *http.Request, use string) (challenge, bool) {
	for _, c := range r.CookiesNamed(k.challengeCookie(use)) {
		if got, ok := k.keys.readChallenge(c.Value, use, k.clock()); ok {
			return got, true
		}
	}
	return challenge{}, false
}

// questionAtSignIn is what the sign-in page asks a device; empty: there are no passkeys here.
func (k *Keeper) questionAtSignIn(w http.ResponseWriter, r *http.Request) (string, error) {
	party, ok := k.party(r)
	if !ok {
		return "", nil
	}
	options, data, err := party.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return "", fmt.Errorf("account: %w", err)
	}
	return k.put(w, forSignIn, options.Response, data)
}

// questionAgain is what a page asks the devices of an account; empty: it has none.
func (k *Keeper) questionAgain(w http.ResponseWriter, r *http.Request, h holderOf) (string, error) {
	party, ok := k.party(r)
	if !ok || len(h.keys) == 0 {
		return "", nil
	}
	options, data, err := party.BeginLogin(h, webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return "", fmt.Errorf("account: %w", err)
	}
	return k.put(w, forAgain, options.Response, data)
}

// questionAtEnrolment is what makes a device's passkey.
func (k *Keeper) questionAtEnrolment(w http.ResponseWriter, r *http.Request, h holderOf) (string, error) {
	party, ok := k.party(r)
	if !ok {
		return "", ErrPasskey
	}
	options, data, err := party.BeginRegistration(h, webauthn.WithExclusions(webauthn.Credentials(h.WebAuthnCredentials()).CredentialDescriptors()))
	if err != nil {
		return "", fmt.Errorf("account: %w", err)
	}
	return k.put(w, forEnrolment, options.Response, data)
}

// enrolled reads what a device answered at enrolment; ErrPasskey.
func (k *Keeper) enrolled(r *http.Request, h holderOf, answer string) (passkey, error) {
	party, ok := k.party(r)
	c, asked := k.challengeOf(r, forEnrolment)
	if !ok || !asked {
		return passkey{}, ErrPasskey
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes([]byte(answer))
	if err != nil {
		return passkey{}, ErrPasskey
	}
	made, err := party.CreateCredential(h, c.Data, parsed)
	if err != nil || !made.Flags.UserVerified {
		return passkey{}, ErrPasskey
	}
	made.Attestation = webauthn.CredentialAttestation{} // who made the device is nobody's matter
	data, err := json.Marshal(made)
	if err != nil {
		return passkey{}, fmt.Errorf("account: %w", err)
	}
	return passkey{ID: database.NewID(), Account: h.account.ID, Credential: base64.RawURLEncoding.EncodeToString(made.ID), Data: string(data),
		Name: browserName(r.UserAgent()), CreatedAt: database.Stamp(k.clock())}, nil
}

// answered checks what a device answered, and spends the challenge. of is the account that was
// asked; empty: any. ErrPasskey.
func (k *Keeper) answered(r *http.Request, use, answer, of string) (Account, error) {
	ctx := r.Context()
	v, err := k.verified(r, use, answer, of, func(id string) (holderOf, error) { return k.holder(ctx, id) })
	if err != nil {
		return Account{}, err
	}
	data, err := json.Marshal(v.used)
	if err != nil {
		return Account{}, fmt.Errorf("account: %w", err)
	}
	err = k.db.Write(ctx, func(ctx context.Context, tx database.Tx) error {
		return spend(ctx, tx, k.clock(), v.challenge, v.holder.account.ID, base64.RawURLEncoding.EncodeToString(v.used.ID), string(data))
	})
	return v.holder.account, err
}

// verified is an answer that is right.
type verified struct {
	challenge challenge
	holder    holderOf
	used      *webauthn.Credential
}

// verified checks an answer against what read gives of an account, and keeps nothing.
func (k *Keeper) verified(r *http.Request, use, answer, of string, read func(id string) (holderOf, error)) (verified, error) {
	party, ok := k.party(r)
	c, asked := k.challengeOf(r, use)
	if !ok || !asked {
		return verified{}, ErrPasskey
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes([]byte(answer))
	if err != nil {
		return verified{}, ErrPasskey
	}
	v := verified{challenge: c}
	if of == "" {
		var failed error
		v.used, err = party.ValidateDiscoverableLogin(func(_, handle []byte) (webauthn.User, error) {
			v.holder, failed = read(string(handle))
			return v.holder, failed
		}, c.Data, parsed)
		if failed != nil && !errors.Is(failed, ErrNone) {
			return verified{}, failed
		}
	} else {
		if v.holder, err = read(of); err != nil {
			return verified{}, err
		}
		v.used, err = party.ValidateLogin(v.holder, c.Data, parsed)
	}
	// A counter that went back: somebody else holds a copy.
	if err != nil || !v.used.Flags.UserVerified || v.used.Authenticator.CloneWarning {
		return verified{}, ErrPasskey
	}
	return v, nil
}

// passkeysOf lists the passkeys of an account, oldest first.
func passkeysOf(ctx context.Context, tx database.Tx, account string) ([]passkey, error) {
	var all []passkey
	if err := tx.NewSelect().Model(&all).Where("k.account = ?", account).Order("k.created_at", "k.id").Scan(ctx); err != nil {
		return nil, fmt.Errorf("account: %w", err)
	}
	return all, nil
}

// errMany: an account has as many passkeys as it may.
var errMany = errors.New("account: too many passkeys")

// addPasskey keeps a new one, and spends its challenge.
func addPasskey(ctx context.Context, tx database.Tx, now time.Time, c challenge, p passkey) error {
	n, err := tx.NewSelect().Model((*passkey)(nil)).Where("k.account = ?", p.Account).Count(ctx)
	if err != nil {
		return fmt.Errorf("account: %w", err)
	}
	if n >= mostPasskeys {
		return errMany
	}
	if err := spent(ctx, tx, c); err != nil {
		return err
	}
	res, err := tx.NewInsert().Model(&p).On("CONFLICT DO NOTHING").Exec(ctx)
	if ok, err := one(res, err); err != nil || ok {
		return err
	}
	return ErrPasskey
}

// spend keeps that a passkey was used, and that its challenge was answered. ErrPasskey when it
// was answered before, or the passkey was removed meanwhile.
func spend(ctx context.Context, tx database.Tx, now time.Time, c challenge, account, credential, data string) error {
	if err := spent(ctx, tx, c); err != nil {
		return err
	}
	res, err := tx.NewUpdate().Model((*passkey)(nil)).Set("data = ?", data).Set("used_at = ?", database.Stamp(now)).
		Where("credential = ? AND account = ?", credential, account).Exec(ctx)
	if ok, err := one(res, err); err != nil || ok {
		return err
	}
	return ErrPasskey
}

func spent(ctx context.Context, tx database.Tx, c challenge) error {
	var res sql.Result
	res, err := tx.NewRaw("INSERT INTO account_challenges (challenge, ends_at) VALUES (?, ?) ON CONFLICT DO NOTHING", c.Data.Challenge, database.Stamp(c.Ends)).Exec(ctx)
	if ok, err := one(res, err); err != nil || ok {
		return err
	}
	return ErrPasskey
}

// endPasskey removes one of an account; none is no error. Sessions that it opened go on: they
// are ended where they are listed.
func endPasskey(ctx context.Context, tx database.Tx, account, id string) (bool, error) {
	res, err := tx.NewDelete().Model((*passkey)(nil)).Where("id = ? AND account = ?", id, account).Exec(ctx)
	return one(res, err)
}

// endPasskeys removes all of an account.
func endPasskeys(ctx context.Context, tx database.Tx, account string) error {
	if _, err := tx.NewDelete().Model((*passkey)(nil)).Where("account = ?", account).Exec(ctx); err != nil {
		return fmt.Errorf("account: %w", err)
	}
	return nil
}
