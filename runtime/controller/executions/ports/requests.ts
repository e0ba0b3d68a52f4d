export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly url: string;
  /** Added to those of the address; no message shows them. */
  readonly query?: { readonly [name: string]: string };
  readonly headers?: { readonly [name: string]: string };
  readonly contentType?: string;
  readonly body?: string;
}

export interface HttpResponse {
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
}

/** Requests of HTTP on behalf of executions. Throws ConfigError `config-invalid` for an address that is not allowed. */
export interface Requests {
  /** Follows no redirects. Throws StoreError `store-failed` when there is no response. */
  send(request: HttpRequest, signal: AbortSignal): Promise<HttpResponse>;
}
