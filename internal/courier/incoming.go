package courier

import (
	"context"

	"github.com/preau-ent/preau/internal/courier/internal/sms"
)

// inbox is what an account gives what it hears to.
func (c *Courier) inbox(ctx context.Context, a *account) sms.Inbox {
	return sms.Inbox{
		Receipt: func(r sms.Receipt) error { return c.receive(ctx, a, r) },
	}
}
