/** The Secrets of MySQL accounts, as objects of name → values. Pure: the passwords are arguments. */
import { MYSQL_PORT } from "../../api/agent";
import { names } from "../../api/names";

export interface Place {
  readonly name: string;
  readonly namespace: string;
  readonly clusterDomain: string;
}

export const APP_DATABASE = "app";

/** `<c>-root`: without SUPER and CONNECTION_ADMIN (api.md, Vocabulary). */
export function rootValues(password: string): Record<string, string> {
  return { username: "root", password };
}

/** `<c>-system`: the agents' local account and the account of replication. */
export function systemValues(password: string, replicationPassword: string): Record<string, string> {
  return {
    username: "porpoise",
    password,
    "repl-username": "porpoise_repl",
    "repl-password": replicationPassword,
  };
}

/** `<c>-app`: all that an application needs to connect. */
export function appValues(place: Place, password: string, authority: string): Record<string, string> {
  const host = serviceHost(place, names.primaryService(place.name));
  const port = String(MYSQL_PORT);
  return {
    username: "app",
    password,
    host,
    port,
    "replicas-host": serviceHost(place, names.replicasService(place.name)),
    database: APP_DATABASE,
    uri: `mysql://app:${password}@${host}:${port}/${APP_DATABASE}`,
    "jdbc-url": `jdbc:mysql://${host}:${port}/${APP_DATABASE}?sslMode=VERIFY_CA`,
    "ca.crt": authority,
  };
}

function serviceHost({ namespace, clusterDomain }: Place, service: string): string {
  return `${service}.${namespace}.svc.${clusterDomain}`;
}
