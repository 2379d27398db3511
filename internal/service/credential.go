package service

import "strings"

// CredentialVariable is the variable of the environment that the credential called name can be given in: DEPLOY_CREDENTIAL_ORDERS_DB is
// orders_db, and orders-db.
func CredentialVariable(name string) string {
	return "DEPLOY_CREDENTIAL_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}
