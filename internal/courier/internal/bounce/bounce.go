// Package bounce reads what mail servers send back.
package bounce
