package courier

import "context"

// mailbox is where what mail servers send back arrives.
type mailbox struct{}

func (c *Courier) readBounces(context.Context) {}
