import { describe, expect, it } from '@jest/globals';
import { contentDisposition } from './content-disposition.js';

describe('Content-Disposition', () => {
  it.each([
    ['image/png', 'inline'],
    ['IMAGE/PNG', 'inline'],
    ['text/plain; charset=utf-8', 'inline'],
    ['application/octet-stream', 'attachment'],
    ['text/html', 'attachment'],
    ['image/svg+xml', 'attachment'],
    ['application/pdf', 'attachment'],
    ['text/html,image/png', 'attachment'],
    ['', 'attachment'],
  ])('of %s is %s', (contentType, disposition) => {
    expect(contentDisposition(contentType, null)).toBe(disposition);
  });

  it.each([
    ['ascii.txt', 'filename="ascii.txt"'],
    ['name with spaces.txt', 'filename="name with spaces.txt"'],
    ['name;with;semicolons, and more.txt', 'filename="name;with;semicolons, and more.txt"'],
    ["it's (a) *file*.txt", `filename="it's (a) *file*.txt"`],
    ['🐔 ümlaut.txt', "filename*=utf-8''%F0%9F%90%94%20%C3%BCmlaut.txt"],
    ['"quoted" \\ 100%.txt', "filename*=utf-8''%22quoted%22%20%5C%20100%25.txt"],
    ["ü's (a) *!.txt", "filename*=utf-8''%C3%BC%27s%20%28a%29%20%2A!.txt"],
    ['line\r\nbreak', "filename*=utf-8''line%0D%0Abreak"],
    ['half \ud83d', "filename*=utf-8''half%20%EF%BF%BD"],
  ])('names %s', (name, parameter) => {
    expect(contentDisposition('text/plain', name)).toBe(`inline; ${parameter}`);
  });
});
