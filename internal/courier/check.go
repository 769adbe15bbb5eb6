package courier

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/preau-ent/preau/internal/courier/internal/smtp"
	"github.com/preau-ent/preau/internal/directory"
)

// ErrNoCarrier: the configuration has no carrier of that name.
var ErrNoCarrier = errors.New("courier: no such carrier")

// Account is what the operator reads of a way out.
type Account struct {
	Name     string
	Channel  directory.Channel
	Weight   int
	Receipts bool
	Replies  bool
	Publish  []string // lines for the domain's DNS
}

// Accounts lists every way out, e-mail first.
func (c Carriers) Accounts() []Account {
	var out []Account
	for _, ch := range []directory.Channel{directory.Email, directory.SMS} {
		for _, a := range c.by[ch] {
			one := Account{Name: a.name, Channel: ch, Weight: a.weight, Receipts: a.receipts, Replies: a.replies}
			if m, ok := a.carrier.(*byMail); ok && m.dkim.Key != nil {
				one.Publish = []string{fmt.Sprintf("%s TXT %s", m.dkim.RecordName(), smtp.DKIMRecord(m.dkim.Key))}
			}
			out = append(out, one)
		}
	}
	return slices.Clip(out)
}

// Check connects to a carrier, signs in and leaves; nothing is sent. Its error says in
// words what is wrong. signedIn is false where the carrier asks for no sign-in, or its file
// names no harmless request to try it with. The mail server is checked with the mailbox
// of its bounces. ErrNoCarrier.
func (c Carriers) Check(ctx context.Context, name string) (signedIn bool, err error) {
	a := c.named(name)
	if a == nil {
		return false, ErrNoCarrier
	}
	switch by := a.carrier.(type) {
	case *byMail:
		signedIn, err = by.signsIn, by.Check(ctx)
	case *bySMPP:
		signedIn, err = true, by.Check(ctx)
	case byHTTP:
		signedIn, err = by.provider.SignsIn(), by.Check(ctx)
	}
	if name == "mail" && c.box != nil {
		if boxErr := c.box.Check(ctx); boxErr != nil {
			err = errors.Join(err, fmt.Errorf("the mailbox of returned messages: %w", boxErr))
		}
	}
	return signedIn, err
}
