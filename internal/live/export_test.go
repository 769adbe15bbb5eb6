package live

import "time"

// PID is the child's process; 0: there is none.
func (e *Engine) PID() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.pid
}

// Token is one that the proxy would make.
func (e *Engine) Token(room, person string, g Grants) string {
	return e.token(room, person, g, time.Now())
}

// Base is the address of the engine's own HTTP.
func (e *Engine) Base() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.base.String()
}

// Key and Secret are those of the child.
func (e *Engine) Keys() (key, secret string) { return e.key, e.secret }

// Look is one look of Run.
var Look = (*Proxy).look
