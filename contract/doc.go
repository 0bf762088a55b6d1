// Package contract reads OpenAPI documents and compiles each operation once,
// at load, into what the layers of the gate need.
package contract
